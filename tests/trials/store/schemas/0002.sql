BEGIN TRANSACTION;
CREATE TABLE kw_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT kw_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "kw_alembic_version" VALUES('0002');
CREATE TABLE kw_file (
	trial_id INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	bytes BIGINT NOT NULL, 
	CONSTRAINT pk_kw_file PRIMARY KEY (trial_id), 
	CONSTRAINT fk_kw_file_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
);
INSERT INTO "kw_file" VALUES(1,'q/checkpoints/20261126T081836820000/0-2.safetensors','9cf35a97473509b83b0169d2f81726533a2e6fd5f12b77b8d2a5cc765180b889',26104);
INSERT INTO "kw_file" VALUES(2,'q/checkpoints/20261126T081836820000/1-2.safetensors','09bc74467b14f4b1a6a018fdd2e911b38b79713291f87d7d24a4700f3b55bda2',250640);
INSERT INTO "kw_file" VALUES(7,'q/checkpoints/20261126T081836820000/6-2.safetensors','649883a3665a53027112b7d464b75303573dabe4c8b69b5cba20ad420c909783',94856);
INSERT INTO "kw_file" VALUES(8,'q/checkpoints/20261126T081836820000/7-2.safetensors','3be37d1c6a7897107e796047aa61187cef3bd4ed2ceee2caa26f409fe04e47fb',51224);
CREATE TABLE kw_front (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	trial INTEGER NOT NULL, 
	hypervolume DOUBLE NOT NULL, 
	reference_params BIGINT NOT NULL, 
	reference_accuracy DOUBLE NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_front PRIMARY KEY (id), 
	CONSTRAINT fk_kw_front_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT uq_kw_front_study_id_number UNIQUE (study_id, number)
);
INSERT INTO "kw_front" VALUES(1,1,0,0,8.13422408026756329525e+03,60000,0.1,'2026-11-26 08:19:03.156000');
INSERT INTO "kw_front" VALUES(2,1,1,1,8.30578260869565747261e+03,60000,0.1,'2026-11-26 08:19:07.042000');
INSERT INTO "kw_front" VALUES(3,1,2,4,1.62332608695652197633e+04,60000,0.1,'2026-11-26 08:19:14.891000');
INSERT INTO "kw_front" VALUES(4,1,3,6,2.16758026755852915802e+04,60000,0.1,'2026-11-26 08:19:18.827000');
INSERT INTO "kw_front" VALUES(5,1,4,7,2.34561906354515122084e+04,60000,0.1,'2026-11-26 08:19:20.973000');
CREATE TABLE kw_front_member (
	front_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	CONSTRAINT pk_kw_front_member PRIMARY KEY (front_id, place), 
	CONSTRAINT fk_kw_front_member_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id), 
	CONSTRAINT fk_kw_front_member_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_front_member" VALUES(1,0,1);
INSERT INTO "kw_front_member" VALUES(2,0,1);
INSERT INTO "kw_front_member" VALUES(2,1,2);
INSERT INTO "kw_front_member" VALUES(3,0,1);
INSERT INTO "kw_front_member" VALUES(3,1,5);
INSERT INTO "kw_front_member" VALUES(3,2,2);
INSERT INTO "kw_front_member" VALUES(4,0,1);
INSERT INTO "kw_front_member" VALUES(4,1,7);
INSERT INTO "kw_front_member" VALUES(4,2,2);
INSERT INTO "kw_front_member" VALUES(5,0,1);
INSERT INTO "kw_front_member" VALUES(5,1,8);
INSERT INTO "kw_front_member" VALUES(5,2,7);
INSERT INTO "kw_front_member" VALUES(5,3,2);
CREATE TABLE kw_measurement (
	trial_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	accuracy_error DOUBLE NOT NULL, 
	loss DOUBLE NOT NULL, 
	images INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	measured_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_measurement PRIMARY KEY (trial_id, epoch), 
	CONSTRAINT fk_kw_measurement_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_measurement" VALUES(1,1,1,2.14046822742474912582e-01,2.37201338646365091078e-02,2.18495585252083,299,1.22081575899983363342e+00,'2026-11-26 08:19:02.070000');
INSERT INTO "kw_measurement" VALUES(1,2,1,2.44147157190635455403e-01,2.48432761659315853863e-02,2.11853679134430494812e+00,299,2.31219332099999519414e+00,'2026-11-26 08:19:03.147000');
INSERT INTO "kw_measurement" VALUES(2,1,1,4.98327759197324415829e-01,2.89155848784908749149e-02,2.03471059807826604171e+00,299,1.86758145100020556128e+00,'2026-11-26 08:19:05.348000');
INSERT INTO "kw_measurement" VALUES(2,2,1,6.18729096989966587116e-01,2.80886914442447892248e-02,1.84958689075934246126e+00,299,3.5682218740003008861e+00,'2026-11-26 08:19:07.019000');
INSERT INTO "kw_measurement" VALUES(3,1,1,2.34113712374581950381e-01,2.448837565014306758e-02,2.20240863647330042951e+00,299,7.29511110000203188974e-01,'2026-11-26 08:19:07.976000');
INSERT INTO "kw_measurement" VALUES(3,2,1,2.37458193979933118722e-01,2.46087647933533430755e-02,2.10844867650477052478e+00,299,2.96620554499986610608e+00,'2026-11-26 08:19:10.264000');
INSERT INTO "kw_measurement" VALUES(4,1,1,2.14046822742474912582e-01,2.37201338646365091078e-02,2.19232217334753709536e+00,299,1.81921208699986891588e+00,'2026-11-26 08:19:12.494000');
INSERT INTO "kw_measurement" VALUES(5,1,1,4.28093645484949825164e-01,2.86151652019163253715e-02,2.08159103814238655161e+00,299,1.08184519900032682926e+00,'2026-11-26 08:19:13.790000');
INSERT INTO "kw_measurement" VALUES(5,2,1,5.08361204013377920851e-01,2.89117033314060037363e-02,1.96194450608179571382e+00,299,2.16901578900024105678e+00,'2026-11-26 08:19:14.865000');
INSERT INTO "kw_measurement" VALUES(6,1,1,2.14046822742474912582e-01,2.37201338646365091078e-02,2.18934765036414757943e+00,299,1.01817317999984879861e+00,'2026-11-26 08:19:16.102000');
INSERT INTO "kw_measurement" VALUES(7,1,1,5.31772575250836099236e-01,2.8857306851741239273e-02,1.9097463000832772817e+00,299,1.34965863000024910434e+00,'2026-11-26 08:19:17.710000');
INSERT INTO "kw_measurement" VALUES(7,2,1,5.8862876254180607205e-01,2.84578513920828793382e-02,1.7247441773190088643e+00,299,2.45357934999992721714e+00,'2026-11-26 08:19:18.802000');
INSERT INTO "kw_measurement" VALUES(8,1,1,3.04347826086956541047e-01,2.66100432949201680388e-02,2.15888733537345922641e+00,299,9.67869327000244084047e-01,'2026-11-26 08:19:19.986000');
INSERT INTO "kw_measurement" VALUES(8,2,1,4.08026755852842815119e-01,2.84223357902913809081e-02,2.0690620828845514012e+00,299,1.94453233900003397138e+00,'2026-11-26 08:19:20.950000');
INSERT INTO "kw_measurement" VALUES(9,1,1,3.97993311036789310097e-01,2.83075935193851900562e-02,2.06956044196532618073e+00,299,1.08111422899992248858e+00,'2026-11-26 08:19:22.254000');
CREATE TABLE kw_study (
	id INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	settings JSON NOT NULL, 
	backbone JSON NOT NULL, 
	seed BIGINT NOT NULL, 
	trials INTEGER NOT NULL, 
	reference_params BIGINT NOT NULL, 
	reference_accuracy DOUBLE NOT NULL, 
	version VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	lease_owner TEXT, 
	lease_until DATETIME, 
	CONSTRAINT pk_kw_study PRIMARY KEY (id), 
	CONSTRAINT uq_kw_study_name UNIQUE (name)
);
INSERT INTO "kw_study" VALUES(1,'q','{"name":"q","space":{"backbone":"resnet8x0.25","exclude":[],"addresses":{},"granularity":"network","cell_num_ratio":{"low":0.125,"high":4.0,"log":false},"cell_inplane_ratio":1.0,"cell_outplane_ratio":[0.5,1.0],"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["none","stage"],"spatial_partition":true},"budget":{"max_params":60000,"min_params":null,"max_macs":null,"min_macs":null},"proxy":{"data":"digits","folder":null,"download":false,"image_size":null,"epochs":[1,2],"validation_share":0.2,"training_share":1.0,"batch_size":256,"learning_rate":0.1,"momentum":0.9,"weight_decay":0.0005,"warmup_epochs":0.5,"temperature_share":0.1111111111111111,"attention_start":"assigned","attention_learning_rate":0.1,"gradient_clip":null,"label_smoothing":0.0,"recalibration":16,"crop_padding":0,"flip":false,"dtype":"float32","way":"auto"},"search":{"sampler":"tpe","trials":9,"seed":0,"promotion":"halving","eta":3.0,"reuse":true},"execution":{"executor":"serial","threads":1,"gpus_per_trial":0.0,"workers":null,"cpus_per_trial":1,"address":null,"trial_timeout":null,"epoch_timeout":null,"max_failures":2},"images":"6e31d1b935b78efebfbea439686b18c519fb540e7a00ff1d3ec4121472e0e413","seeds":[]}','{"name":"resnet8x0.25","num_classes":10,"in_channels":1,"input_size":[8,8],"sites":[{"name":"layer1.0.conv1","address":"stage0_layer0_conv0","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer1.0.conv2","address":"stage0_layer0_conv1","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer2.0.conv1","address":"stage0_layer1_conv0","kind":"conv","in_channels":4,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[2,2]},{"name":"layer2.0.conv2","address":"stage1_layer0_conv1","kind":"conv","in_channels":8,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[1,1]},{"name":"layer3.0.conv1","address":"stage1_layer1_conv0","kind":"conv","in_channels":8,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[2,2]},{"name":"layer3.0.conv2","address":"stage2_layer0_conv1","kind":"conv","in_channels":16,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[1,1]}],"plain_params":326,"plain_macs":2464,"attention_norm":"batch","plain_layers":[]}',0,9,60000,0.1,'0.1.0','2026-11-26 08:18:36.820000',NULL,NULL);
CREATE TABLE kw_tally (
	study_id INTEGER NOT NULL, 
	waiting INTEGER NOT NULL, 
	running INTEGER NOT NULL, 
	complete INTEGER NOT NULL, 
	stopped INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	infeasible INTEGER NOT NULL, 
	over_budget INTEGER NOT NULL, 
	under_budget INTEGER NOT NULL, 
	known INTEGER NOT NULL, 
	epochs BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	front_id INTEGER, 
	unit VARCHAR(32), 
	CONSTRAINT pk_kw_tally PRIMARY KEY (study_id), 
	CONSTRAINT fk_kw_tally_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT fk_kw_tally_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id)
);
INSERT INTO "kw_tally" VALUES(1,0,0,6,3,0,0,0,0,0,15,1.93322477140000046347e+01,5,'210454131b4e4230877fedba9f694010');
CREATE TABLE kw_training (
	id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	epochs INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	accuracy_error DOUBLE NOT NULL, 
	loss DOUBLE NOT NULL, 
	images INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	data TEXT NOT NULL, 
	part VARCHAR(16) NOT NULL, 
	finished_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_training PRIMARY KEY (id), 
	CONSTRAINT fk_kw_training_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
);
CREATE TABLE kw_trial (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	config TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	params BIGINT NOT NULL, 
	macs BIGINT NOT NULL, 
	seed BIGINT NOT NULL, 
	attempt INTEGER NOT NULL, 
	choices JSON NOT NULL, 
	sampler_state JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	cause TEXT, 
	detail TEXT, 
	worker TEXT, 
	epochs INTEGER NOT NULL, 
	accuracy DOUBLE, 
	accuracy_error DOUBLE, 
	loss DOUBLE, 
	seconds DOUBLE NOT NULL, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	place INTEGER, 
	front_id INTEGER, 
	CONSTRAINT pk_kw_trial PRIMARY KEY (id), 
	CONSTRAINT fk_kw_trial_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT fk_kw_trial_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id), 
	CONSTRAINT uq_kw_trial_study_id_number UNIQUE (study_id, number), 
	CONSTRAINT uq_kw_trial_study_id_digest UNIQUE (study_id, digest), 
	CONSTRAINT ck_kw_trial_ck_kw_trial_state CHECK (state IN ('waiting', 'running', 'complete', 'stopped', 'failed')), 
	CONSTRAINT ck_kw_trial_ck_kw_trial_attempt CHECK (attempt >= 1)
);
INSERT INTO "kw_trial" VALUES(1,1,0,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2053,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','f6196b8e0f833a15d0fbdaaada5040b6e383d526d4e70086a9c61f14136c883b',3570,55584,1897270328,1,'{"cell_num_ratio":0.2053,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.2053,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','complete',NULL,NULL,'host:1',2,2.44147157190635455403e-01,2.48432761659315853863e-02,2.11853679134430494812e+00,2.31219332099999519414e+00,'2026-11-26 08:19:00.604000','2026-11-26 08:19:03.156000',0,1);
INSERT INTO "kw_trial" VALUES(2,1,1,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.55,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','3f6084b01ae6d27c64a6dc3deb4961d0757e8ee28b70f67fed42ca748b5fe1d2',59542,222048,1799856893,1,'{"cell_num_ratio":1.55,"cell_outplane_ratio":0.5,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":1.55,"cell_outplane_ratio":0.5,"sharing_range":"none"}}','complete',NULL,NULL,'host:1',2,6.18729096989966587116e-01,2.80886914442447892248e-02,1.84958689075934246126e+00,3.5682218740003008861e+00,'2026-11-26 08:19:03.224000','2026-11-26 08:19:07.042000',1,2);
INSERT INTO "kw_trial" VALUES(3,1,2,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.3257,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','dd7afb09922aa52e593352ee768556974a7d28b0d47d993ddd102f6cc81d9c8d',14356,85248,3111086153,1,'{"cell_num_ratio":0.3257,"cell_outplane_ratio":1.0,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.3257,"cell_outplane_ratio":1.0,"sharing_range":"stage"}}','complete',NULL,NULL,'host:1',2,2.37458193979933118722e-01,2.46087647933533430755e-02,2.10844867650477052478e+00,2.96620554499986610608e+00,'2026-11-26 08:19:07.109000','2026-11-26 08:19:10.331000',2,2);
INSERT INTO "kw_trial" VALUES(4,1,3,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.1433,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','27adaf3ea37249f7f4abfc0669c8f438b722d721448bfe4c156a560330a77065',7242,63648,637791570,1,'{"cell_num_ratio":0.1433,"cell_outplane_ratio":0.5,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.1433,"cell_outplane_ratio":0.5,"sharing_range":"none"}}','stopped','promotion','Place 4 of 4 in front 2, with room for 2: trial 0 reached 21.40% with 3,570 parameters, this one 21.40% with 7,242.','host:1',1,2.14046822742474912582e-01,2.37201338646365091078e-02,2.19232217334753709536e+00,1.81921208699986891588e+00,'2026-11-26 08:19:10.402000','2026-11-26 08:19:12.523000',3,2);
INSERT INTO "kw_trial" VALUES(5,1,4,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.1849,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','24649767f0ff1d432410c90661e56579344a9a427fee16d28ebd2e3f514373f7',29538,105120,960389663,1,'{"cell_num_ratio":0.1849,"cell_outplane_ratio":0.5,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.1849,"cell_outplane_ratio":0.5,"sharing_range":"stage"}}','complete',NULL,NULL,'host:1',2,5.08361204013377920851e-01,2.89117033314060037363e-02,1.96194450608179571382e+00,2.16901578900024105678e+00,'2026-11-26 08:19:12.569000','2026-11-26 08:19:14.891000',4,3);
INSERT INTO "kw_trial" VALUES(6,1,5,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2367,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','461db13b4d1231061a7fc9db847886796be17293e433192d1b76d7af926eaa00',5000,61056,3251194696,1,'{"cell_num_ratio":0.2367,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.2367,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','stopped','promotion','Place 5 of 6 in front 2, with room for 2: trial 0 reached 21.40% with 3,570 parameters, this one 21.40% with 5,000.','host:1',1,2.14046822742474912582e-01,2.37201338646365091078e-02,2.18934765036414757943e+00,1.01817317999984879861e+00,'2026-11-26 08:19:14.927000','2026-11-26 08:19:16.135000',5,3);
INSERT INTO "kw_trial" VALUES(7,1,6,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.492,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','3705f120f6329aec5fd5cb4c633615916661d408db384b0418ac2162ab4989f9',20730,121248,16836653,1,'{"cell_num_ratio":1.492,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":1.492,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','complete',NULL,NULL,'host:1',2,5.8862876254180607205e-01,2.84578513920828793382e-02,1.7247441773190088643e+00,2.45357934999992721714e+00,'2026-11-26 08:19:16.181000','2026-11-26 08:19:18.827000',6,4);
INSERT INTO "kw_trial" VALUES(8,1,7,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2145,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','378331d5083f4a4205e489aa95d2528687ced60f1befe72c3c49256a5887acb5',9866,71712,105303243,1,'{"cell_num_ratio":0.2145,"cell_outplane_ratio":1.0,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.2145,"cell_outplane_ratio":1.0,"sharing_range":"stage"}}','complete',NULL,NULL,'host:1',2,4.08026755852842815119e-01,2.84223357902913809081e-02,2.0690620828845514012e+00,1.94453233900003397138e+00,'2026-11-26 08:19:18.871000','2026-11-26 08:19:20.973000',7,5);
INSERT INTO "kw_trial" VALUES(9,1,8,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2701,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','782671aff6cd7b59122e1795f8b617459626bd038227556fe99c67da163c36b6',42114,131040,1278045481,1,'{"cell_num_ratio":0.2701,"cell_outplane_ratio":0.5,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.2701,"cell_outplane_ratio":0.5,"sharing_range":"stage"}}','stopped','promotion','Place 8 of 9 in front 3, with room for 3: trial 6 reached 53.18% with 20,730 parameters, this one 39.80% with 42,114.','host:1',1,3.97993311036789310097e-01,2.83075935193851900562e-02,2.06956044196532618073e+00,1.08111422899992248858e+00,'2026-11-26 08:19:21.013000','2026-11-26 08:19:22.283000',8,5);
CREATE INDEX ix_kw_trial_study_id_state_number ON kw_trial (study_id, state, number);
CREATE VIEW kw_current_front AS 
        SELECT s.name AS study, m.place, t.number AS trial, t.params, t.macs, t.accuracy,
               t.accuracy_error, t.digest, t.config
        FROM kw_study s
        JOIN kw_tally y ON y.study_id = s.id
        JOIN kw_front_member m ON m.front_id = y.front_id
        JOIN kw_trial t ON t.id = m.trial_id;
CREATE VIEW kw_trials_flat AS 
        SELECT s.name AS study, t.number AS trial, t.state, t.cause, t.detail, t.params, t.macs,
               t.epochs, t.accuracy, t.accuracy_error, t.loss, t.seconds, t.attempt, t.worker,
               t.started_at, t.finished_at, t.place AS finished_as, f.hypervolume, t.digest,
               t.config
        FROM kw_study s
        JOIN kw_trial t ON t.study_id = s.id
        LEFT JOIN kw_front f ON f.id = t.front_id;
CREATE VIEW kw_hypervolume_history AS 
        SELECT s.name AS study, f.number AS front, f.trial, f.hypervolume, f.reference_params,
               f.reference_accuracy, f.created_at,
               (SELECT count(*) FROM kw_front_member m WHERE m.front_id = f.id) AS members
        FROM kw_study s
        JOIN kw_front f ON f.study_id = s.id;
CREATE INDEX ix_kw_training_trial_id ON kw_training (trial_id);
COMMIT;
