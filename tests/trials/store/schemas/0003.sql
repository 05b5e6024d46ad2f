BEGIN TRANSACTION;
CREATE TABLE kw_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT kw_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "kw_alembic_version" VALUES('0003');
CREATE TABLE kw_file (
	trial_id INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	bytes BIGINT NOT NULL, 
	CONSTRAINT pk_kw_file PRIMARY KEY (trial_id), 
	CONSTRAINT fk_kw_file_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
);
INSERT INTO "kw_file" VALUES(1,'q/checkpoints/20261126T095550619000/0-2.safetensors','7898dc8d8888e8140ea34406f58fd03ce5fbc3647606fda46e7cf000772b7e99',26104);
INSERT INTO "kw_file" VALUES(2,'q/checkpoints/20261126T095550619000/1-2.safetensors','f64076dec974a5883297b27325bbea4e7c6593edabde947386cebde9d7131e08',250640);
INSERT INTO "kw_file" VALUES(5,'q/checkpoints/20261126T095550619000/4-2.safetensors','8d9ca872418ac860c7690c6f379373e74a829314b5d564c55e734c943abafacb',130568);
INSERT INTO "kw_file" VALUES(8,'q/checkpoints/20261126T095550619000/7-2.safetensors','7918a4853282433be02f69d4d8619b3b2fbd51c3b270f0c232d6d759262864b6',51224);
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
INSERT INTO "kw_front" VALUES(1,1,0,0,1.77594080267558492771e+04,60000,0.1,'2026-11-26 09:55:59.858000');
INSERT INTO "kw_front" VALUES(2,1,1,1,1.78421237458193936622e+04,60000,0.1,'2026-11-26 09:56:00.885000');
INSERT INTO "kw_front" VALUES(3,1,2,4,2.29598628762541811729e+04,60000,0.1,'2026-11-26 09:56:02.879000');
INSERT INTO "kw_front" VALUES(4,1,3,7,2.44730936454849543233e+04,60000,0.1,'2026-11-26 09:56:04.571000');
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
INSERT INTO "kw_front_member" VALUES(4,1,8);
INSERT INTO "kw_front_member" VALUES(4,2,5);
INSERT INTO "kw_front_member" VALUES(4,3,2);
CREATE TABLE kw_measurement (
	trial_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	accuracy_error DOUBLE NOT NULL, 
	loss DOUBLE NOT NULL, 
	images INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	measured_at DATETIME NOT NULL, goes_on BOOLEAN, reason TEXT, 
	CONSTRAINT pk_kw_measurement PRIMARY KEY (trial_id, epoch), 
	CONSTRAINT fk_kw_measurement_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_measurement" VALUES(1,1,1,2.60869565217391297107e-01,2.53943239622677029154e-02,2.07558095603993164601e+00,299,6.1062055799993686378e-01,'2026-11-26 09:55:59.443000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(1,2,1,4.14715719063545151801e-01,2.84920097597731701577e-02,1.92064546438727212773e+00,299,1.01866784800040477421e+00,'2026-11-26 09:55:59.838000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(2,1,1,4.61538461538461564082e-01,2.88300701237737370952e-02,2.0686896516794530676e+00,299,4.22329991999504272826e-01,'2026-11-26 09:56:00.398000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(2,2,1,5.95317725752508408731e-01,2.83854578599258104698e-02,1.89416621698070830603e+00,299,8.93986303000929183326e-01,'2026-11-26 09:56:00.866000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(3,1,1,2.87625418060200643832e-01,2.61777457214426023668e-02,2.13090690417500727704e+00,299,3.58564486999966902658e-01,'2026-11-26 09:56:01.362000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(3,2,1,3.04347826086956541047e-01,2.66100432949201680388e-02,1.99576689192381451221e+00,299,6.8735247699987667147e-01,'2026-11-26 09:56:01.673000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(4,1,1,2.87625418060200643832e-01,2.61777457214426023668e-02,2.13608125456385833373e+00,299,0.251077366001482,'2026-11-26 09:56:02.051000',0,'Place 3 of 4 in front 1, with room for 2: the front is crowded where it stands.');
INSERT INTO "kw_measurement" VALUES(5,1,1,5.38461538461538435917e-01,2.88300701237737370952e-02,1.9948484941946289517e+00,299,3.13532372998452046886e-01,'2026-11-26 09:56:02.494000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(5,2,1,5.85284280936454903709e-01,2.84920097597731666883e-02,1.83237826716164908802e+00,299,6.72455062000153702683e-01,'2026-11-26 09:56:02.854000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(6,1,1,3.14381270903010046069e-01,2.68493684590574363535e-02,2.12726646337137736963e+00,299,3.3206963600059680175e-01,'2026-11-26 09:56:03.323000',0,'Place 3 of 6 in front 1, with room for 2: the front is crowded where it stands.');
INSERT INTO "kw_measurement" VALUES(7,1,1,4.98327759197324415829e-01,2.89155848784908749149e-02,1.95118043558454212771e+00,299,3.90193447999990894459e-01,'2026-11-26 09:56:03.859000',0,'Place 4 of 7 in front 1, with room for 3: the front is crowded where it stands.');
INSERT INTO "kw_measurement" VALUES(8,1,1,3.77926421404682300053e-01,2.8040703895342279639e-02,2.09667753968123093955e+00,299,2.41713791001529898494e-01,'2026-11-26 09:56:04.242000',1,'Place 3 of 8, with room for 3.');
INSERT INTO "kw_measurement" VALUES(8,2,1,4.91638795986622079148e-01,2.89117033314060037363e-02,1.97485974868768532353e+00,299,5.44390250001015374436e-01,'2026-11-26 09:56:04.549000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(9,1,1,4.68227424749163900763e-01,2.8857306851741239273e-02,1.99985075911446430474e+00,299,3.89808255000389181077e-01,'2026-11-26 09:56:05.055000',0,'Place 6 of 9 in front 2, with room for 3: trial 4 reached 53.85% with 29,538 parameters, this one 46.82% with 42,114.');
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
INSERT INTO "kw_study" VALUES(1,'q','{"name":"q","space":{"backbone":"resnet8x0.25","exclude":[],"addresses":{},"granularity":"network","cell_num_ratio":{"low":0.125,"high":4.0,"log":false},"cell_inplane_ratio":1.0,"cell_outplane_ratio":[0.5,1.0],"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["none","stage"],"attention_norm":null,"spatial_partition":true},"budget":{"max_params":60000,"min_params":null,"max_macs":null,"min_macs":null},"proxy":{"data":"digits","folder":null,"download":false,"image_size":null,"epochs":[1,2],"validation_share":0.2,"training_share":1.0,"batch_size":256,"learning_rate":0.1,"momentum":0.9,"weight_decay":0.0005,"warmup_epochs":0.5,"temperature_share":0.1111111111111111,"attention_start":"assigned","attention_learning_rate":0.1,"start":"scratch","start_learning_rate":0.01,"gradient_clip":null,"label_smoothing":0.0,"recalibration":16,"crop_padding":0,"flip":false,"dtype":"float32","way":"auto"},"search":{"sampler":"tpe","trials":9,"seed":0,"promotion":"halving","eta":3.0,"reuse":true},"execution":{"executor":"serial","isolate":null,"threads":1,"gpus_per_trial":0.0,"workers":null,"cpus_per_trial":1,"address":null,"trial_timeout":null,"epoch_timeout":null,"max_failures":2},"images":"6e31d1b935b78efebfbea439686b18c519fb540e7a00ff1d3ec4121472e0e413","seeds":[]}','{"name":"resnet8x0.25","num_classes":10,"in_channels":1,"input_size":[8,8],"sites":[{"name":"layer1.0.conv1","address":"stage0_layer0_conv0","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer1.0.conv2","address":"stage0_layer0_conv1","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer2.0.conv1","address":"stage0_layer1_conv0","kind":"conv","in_channels":4,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[2,2]},{"name":"layer2.0.conv2","address":"stage1_layer0_conv1","kind":"conv","in_channels":8,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[1,1]},{"name":"layer3.0.conv1","address":"stage1_layer1_conv0","kind":"conv","in_channels":8,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[2,2]},{"name":"layer3.0.conv2","address":"stage2_layer0_conv1","kind":"conv","in_channels":16,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[1,1]}],"plain_params":326,"plain_macs":2464,"attention_norm":"batch","plain_layers":[]}',0,9,60000,0.1,'0.1.0','2026-11-26 09:55:50.619000',NULL,NULL);
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
INSERT INTO "kw_tally" VALUES(1,0,0,5,4,0,0,0,0,0,14,5.18000064500483858864e+00,4,'271635c7c7d241cba1f12bb43aa69043');
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
INSERT INTO "kw_trial" VALUES(1,1,0,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2053,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','f6196b8e0f833a15d0fbdaaada5040b6e383d526d4e70086a9c61f14136c883b',3570,55584,1897270328,1,'{"cell_num_ratio":0.2053,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.2053,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','complete',NULL,NULL,'host:1',2,4.14715719063545151801e-01,2.84920097597731701577e-02,1.92064546438727212773e+00,1.01866784800040477421e+00,'2026-11-26 09:55:58.696000','2026-11-26 09:55:59.858000',0,1);
INSERT INTO "kw_trial" VALUES(2,1,1,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.55,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','3f6084b01ae6d27c64a6dc3deb4961d0757e8ee28b70f67fed42ca748b5fe1d2',59542,222048,1799856893,1,'{"cell_num_ratio":1.55,"cell_outplane_ratio":0.5,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":1.55,"cell_outplane_ratio":0.5,"sharing_range":"none"}}','complete',NULL,NULL,'host:1',2,5.95317725752508408731e-01,2.83854578599258104698e-02,1.89416621698070830603e+00,8.93986303000929183326e-01,'2026-11-26 09:55:59.904000','2026-11-26 09:56:00.885000',1,2);
INSERT INTO "kw_trial" VALUES(3,1,2,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.3257,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','dd7afb09922aa52e593352ee768556974a7d28b0d47d993ddd102f6cc81d9c8d',14356,85248,3111086153,1,'{"cell_num_ratio":0.3257,"cell_outplane_ratio":1.0,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.3257,"cell_outplane_ratio":1.0,"sharing_range":"stage"}}','complete',NULL,NULL,'host:1',2,3.04347826086956541047e-01,2.66100432949201680388e-02,1.99576689192381451221e+00,6.8735247699987667147e-01,'2026-11-26 09:56:00.916000','2026-11-26 09:56:01.698000',2,2);
INSERT INTO "kw_trial" VALUES(4,1,3,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.1433,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','27adaf3ea37249f7f4abfc0669c8f438b722d721448bfe4c156a560330a77065',7242,63648,637791570,1,'{"cell_num_ratio":0.1433,"cell_outplane_ratio":0.5,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.1433,"cell_outplane_ratio":0.5,"sharing_range":"none"}}','stopped','promotion','Place 3 of 4 in front 1, with room for 2: the front is crowded where it stands.','host:1',1,2.87625418060200643832e-01,2.61777457214426023668e-02,2.13608125456385833373e+00,0.251077366001482,'2026-11-26 09:56:01.733000','2026-11-26 09:56:02.074000',3,2);
INSERT INTO "kw_trial" VALUES(5,1,4,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.1849,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','24649767f0ff1d432410c90661e56579344a9a427fee16d28ebd2e3f514373f7',29538,105120,960389663,1,'{"cell_num_ratio":0.1849,"cell_outplane_ratio":0.5,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.1849,"cell_outplane_ratio":0.5,"sharing_range":"stage"}}','complete',NULL,NULL,'host:1',2,5.85284280936454903709e-01,2.84920097597731666883e-02,1.83237826716164908802e+00,6.72455062000153702683e-01,'2026-11-26 09:56:02.108000','2026-11-26 09:56:02.879000',4,3);
INSERT INTO "kw_trial" VALUES(6,1,5,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2367,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','461db13b4d1231061a7fc9db847886796be17293e433192d1b76d7af926eaa00',5000,61056,3251194696,1,'{"cell_num_ratio":0.2367,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.2367,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','stopped','promotion','Place 3 of 6 in front 1, with room for 2: the front is crowded where it stands.','host:1',1,3.14381270903010046069e-01,2.68493684590574363535e-02,2.12726646337137736963e+00,3.3206963600059680175e-01,'2026-11-26 09:56:02.907000','2026-11-26 09:56:03.351000',5,3);
INSERT INTO "kw_trial" VALUES(7,1,6,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.492,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','3705f120f6329aec5fd5cb4c633615916661d408db384b0418ac2162ab4989f9',20730,121248,16836653,1,'{"cell_num_ratio":1.492,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":1.492,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','stopped','promotion','Place 4 of 7 in front 1, with room for 3: the front is crowded where it stands.','host:1',1,4.98327759197324415829e-01,2.89155848784908749149e-02,1.95118043558454212771e+00,3.90193447999990894459e-01,'2026-11-26 09:56:03.381000','2026-11-26 09:56:03.883000',6,3);
INSERT INTO "kw_trial" VALUES(8,1,7,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2145,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','378331d5083f4a4205e489aa95d2528687ced60f1befe72c3c49256a5887acb5',9866,71712,105303243,1,'{"cell_num_ratio":0.2145,"cell_outplane_ratio":1.0,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.2145,"cell_outplane_ratio":1.0,"sharing_range":"stage"}}','complete',NULL,NULL,'host:1',2,4.91638795986622079148e-01,2.89117033314060037363e-02,1.97485974868768532353e+00,5.44390250001015374436e-01,'2026-11-26 09:56:03.914000','2026-11-26 09:56:04.571000',7,4);
INSERT INTO "kw_trial" VALUES(9,1,8,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2701,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','782671aff6cd7b59122e1795f8b617459626bd038227556fe99c67da163c36b6',42114,131040,1278045481,1,'{"cell_num_ratio":0.2701,"cell_outplane_ratio":0.5,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.2701,"cell_outplane_ratio":0.5,"sharing_range":"stage"}}','stopped','promotion','Place 6 of 9 in front 2, with room for 3: trial 4 reached 53.85% with 29,538 parameters, this one 46.82% with 42,114.','host:1',1,4.68227424749163900763e-01,2.8857306851741239273e-02,1.99985075911446430474e+00,3.89808255000389181077e-01,'2026-11-26 09:56:04.600000','2026-11-26 09:56:05.081000',8,4);
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
