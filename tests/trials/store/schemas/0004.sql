BEGIN TRANSACTION;
CREATE TABLE kw_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT kw_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "kw_alembic_version" VALUES('0004');
CREATE TABLE kw_baseline (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	network TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	backbone JSON, 
	params BIGINT NOT NULL, 
	macs BIGINT NOT NULL, 
	seed BIGINT NOT NULL, 
	attempt INTEGER NOT NULL, 
	measured_by INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	cause TEXT, 
	detail TEXT, 
	worker TEXT, 
	epochs INTEGER NOT NULL, 
	accuracy DOUBLE, 
	accuracy_error DOUBLE, 
	loss DOUBLE, 
	images INTEGER, 
	seconds DOUBLE NOT NULL, 
	finished_at DATETIME, 
	CONSTRAINT pk_kw_baseline PRIMARY KEY (id), 
	CONSTRAINT fk_kw_baseline_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT uq_kw_baseline_study_id_number UNIQUE (study_id, number), 
	CONSTRAINT uq_kw_baseline_study_id_digest_seed UNIQUE (study_id, digest, seed), 
	CONSTRAINT ck_kw_baseline_ck_kw_baseline_state CHECK (state IN ('waiting', 'running', 'complete', 'stopped', 'failed')), 
	CONSTRAINT ck_kw_baseline_ck_kw_baseline_attempt CHECK (attempt >= 0)
);
INSERT INTO "kw_baseline" VALUES(1,1,0,'plain','resnet8x0.25','cd96444e26d9f3bf92788bcd37e08208e48c5eff7fba00be1caca32a05c23231',NULL,4934,48544,0,1,1,'complete',NULL,NULL,'vm:8868',2,0.411371237458194,2.84578513920828793382e-02,2.06784377050678180864e+00,299,1.09214844800226273946e+00,'2026-11-26 13:05:38.617000');
CREATE TABLE kw_baseline_measurement (
	baseline_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	accuracy_error DOUBLE NOT NULL, 
	loss DOUBLE NOT NULL, 
	images INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	measured_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_baseline_measurement PRIMARY KEY (baseline_id, epoch), 
	CONSTRAINT fk_kw_baseline_measurement_baseline_id FOREIGN KEY(baseline_id) REFERENCES kw_baseline (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_baseline_measurement" VALUES(1,1,1,2.64214046822742465447e-01,2.54987037695526448655e-02,2.15042015199709224404e+00,299,0.623924524999893,'2026-11-26 13:05:38.093000');
INSERT INTO "kw_baseline_measurement" VALUES(1,2,1,0.411371237458194,2.84578513920828793382e-02,2.06784377050678180864e+00,299,1.09214844800226273946e+00,'2026-11-26 13:05:38.573000');
CREATE TABLE kw_file (
	trial_id INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	bytes BIGINT NOT NULL, 
	CONSTRAINT pk_kw_file PRIMARY KEY (trial_id), 
	CONSTRAINT fk_kw_file_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
);
INSERT INTO "kw_file" VALUES(1,'q/checkpoints/20261126T130514810000/0-2.safetensors','d618267e651ce31fb5529916c43978acb0374e34460e4ab393188077e77a5da9',26104);
INSERT INTO "kw_file" VALUES(2,'q/checkpoints/20261126T130514810000/1-2.safetensors','7a03948c33c0ba1cae3560d45c6de368c8c4db10de4789c478418e50efa891ff',250640);
INSERT INTO "kw_file" VALUES(5,'q/checkpoints/20261126T130514810000/4-2.safetensors','0c089ec51b30bafab351a5931a07147ea7fc3009832e2a4e14e13183f46bc859',130568);
INSERT INTO "kw_file" VALUES(8,'q/checkpoints/20261126T130514810000/7-2.safetensors','c748962b46721bda6432fd3a7b2ec7f8b89afc2b8a2ed49f5a37a21bb5dc6e51',51216);
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
INSERT INTO "kw_front" VALUES(1,1,0,0,1.77594080267558492771e+04,60000,0.1,'2026-11-26 13:05:41.475000');
INSERT INTO "kw_front" VALUES(2,1,1,1,1.78421237458193936622e+04,60000,0.1,'2026-11-26 13:05:44.962000');
INSERT INTO "kw_front" VALUES(3,1,2,4,2.29598628762541811729e+04,60000,0.1,'2026-11-26 13:05:52.554000');
INSERT INTO "kw_front" VALUES(4,1,3,7,2.44730936454849543233e+04,60000,0.1,'2026-11-26 13:05:59.835000');
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
INSERT INTO "kw_measurement" VALUES(1,1,1,2.60869565217391297107e-01,2.53943239622677029154e-02,2.07558095603993164601e+00,299,1.16781608900055289268e+00,'2026-11-26 13:05:40.109000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(1,2,1,4.14715719063545151801e-01,2.84920097597731701577e-02,1.92064546438727212773e+00,299,2.49593930099945282563e+00,'2026-11-26 13:05:41.432000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(2,1,1,4.61538461538461564082e-01,2.88300701237737370952e-02,2.0686896516794530676e+00,299,1.73150624299887567758e+00,'2026-11-26 13:05:43.502000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(2,2,1,5.95317725752508408731e-01,2.83854578599258104698e-02,1.89416621698070830603e+00,299,3.16727080599957844242e+00,'2026-11-26 13:05:44.922000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(3,1,1,2.87625418060200643832e-01,2.61777457214426023668e-02,2.13090690417500727704e+00,299,1.04719909800041932612e+00,'2026-11-26 13:05:46.233000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(3,2,1,3.04347826086956541047e-01,2.66100432949201680388e-02,1.99576689192381451221e+00,299,2.0346953930020390544e+00,'2026-11-26 13:05:47.220000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(4,1,1,2.87625418060200643832e-01,2.61777457214426023668e-02,2.13608125456385833373e+00,299,1.25695294799879775382e+00,'2026-11-26 13:05:48.789000',0,'Place 3 of 4 in front 1, with room for 2: the front is crowded where it stands.');
INSERT INTO "kw_measurement" VALUES(5,1,1,5.38461538461538435917e-01,2.88300701237737370952e-02,1.9948484941946289517e+00,299,1.60931337600050028413e+00,'2026-11-26 13:05:50.746000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(5,2,1,5.85284280936454903709e-01,2.84920097597731666883e-02,1.83237826716164908802e+00,299,3.40632920500138425268e+00,'2026-11-26 13:05:52.530000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(6,1,1,3.14381270903010046069e-01,2.68493684590574363535e-02,2.12726646337137736963e+00,299,1.46458908299973700195e+00,'2026-11-26 13:05:54.311000',0,'Place 3 of 6 in front 1, with room for 2: the front is crowded where it stands.');
INSERT INTO "kw_measurement" VALUES(7,1,1,4.98327759197324415829e-01,2.89155848784908749149e-02,1.95118043558454212771e+00,299,1.66199422800127649679e+00,'2026-11-26 13:05:56.340000',0,'Place 4 of 7 in front 1, with room for 3: the front is crowded where it stands.');
INSERT INTO "kw_measurement" VALUES(8,1,1,3.77926421404682300053e-01,2.8040703895342279639e-02,2.09667753968123093955e+00,299,1.36990459899971028789e+00,'2026-11-26 13:05:58.033000',1,'Place 3 of 8, with room for 3.');
INSERT INTO "kw_measurement" VALUES(8,2,1,4.91638795986622079148e-01,2.89117033314060037363e-02,1.97485974868768532353e+00,299,3.11159359299927,'2026-11-26 13:05:59.782000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(9,1,1,4.68227424749163900763e-01,2.8857306851741239273e-02,1.99985075911446430474e+00,299,2.06552470500173512846e+00,'2026-11-26 13:06:02.247000',0,'Place 6 of 9 in front 2, with room for 3: trial 4 reached 53.85% with 29,538 parameters, this one 46.82% with 42,114.');
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
INSERT INTO "kw_study" VALUES(1,'q','{"name":"q","space":{"backbone":"resnet8x0.25","exclude":[],"addresses":{},"granularity":"network","cell_num_ratio":{"low":0.125,"high":4.0,"log":false},"cell_inplane_ratio":1.0,"cell_outplane_ratio":[0.5,1.0],"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["none","stage"],"attention_norm":null,"spatial_partition":true},"budget":{"max_params":60000,"min_params":null,"max_macs":null,"min_macs":null},"proxy":{"data":"digits","folder":null,"download":false,"image_size":null,"epochs":[1,2],"validation_share":0.2,"training_share":1.0,"batch_size":256,"learning_rate":0.1,"momentum":0.9,"weight_decay":0.0005,"warmup_epochs":0.5,"temperature_share":0.1111111111111111,"attention_start":"assigned","attention_learning_rate":0.1,"start":"scratch","start_learning_rate":0.01,"gradient_clip":null,"label_smoothing":0.0,"recalibration":16,"crop_padding":0,"flip":false,"dtype":"float32","way":"auto"},"baselines":{"seeds":1,"networks":[]},"search":{"sampler":"tpe","trials":9,"seed":0,"promotion":"halving","eta":3.0,"reuse":true},"execution":{"executor":"serial","isolate":null,"threads":1,"gpus_per_trial":0.0,"workers":null,"cpus_per_trial":1,"address":null,"trial_timeout":null,"epoch_timeout":null,"max_failures":2},"images":"6e31d1b935b78efebfbea439686b18c519fb540e7a00ff1d3ec4121472e0e413","seeds":[]}','{"name":"resnet8x0.25","num_classes":10,"in_channels":1,"input_size":[8,8],"sites":[{"name":"layer1.0.conv1","address":"stage0_layer0_conv0","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer1.0.conv2","address":"stage0_layer0_conv1","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer2.0.conv1","address":"stage0_layer1_conv0","kind":"conv","in_channels":4,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[2,2]},{"name":"layer2.0.conv2","address":"stage1_layer0_conv1","kind":"conv","in_channels":8,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[1,1]},{"name":"layer3.0.conv1","address":"stage1_layer1_conv0","kind":"conv","in_channels":8,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[2,2]},{"name":"layer3.0.conv2","address":"stage2_layer0_conv1","kind":"conv","in_channels":16,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[1,1]}],"plain_params":326,"plain_macs":2464,"attention_norm":"batch","plain_layers":[]}',0,9,60000,0.1,'0.1.0','2026-11-26 13:05:14.810000',NULL,NULL);
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
INSERT INTO "kw_tally" VALUES(1,0,0,5,4,0,0,0,0,0,14,2.06648892620032711411e+01,4,'56a5a56dbccc4a2e90da94a7ae48d905');
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
INSERT INTO "kw_trial" VALUES(1,1,0,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2053,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','f6196b8e0f833a15d0fbdaaada5040b6e383d526d4e70086a9c61f14136c883b',3570,55584,1897270328,1,'{"cell_num_ratio":0.2053,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.2053,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','complete',NULL,NULL,'vm:8868',2,4.14715719063545151801e-01,2.84920097597731701577e-02,1.92064546438727212773e+00,2.49593930099945282563e+00,'2026-11-26 13:05:38.681000','2026-11-26 13:05:41.475000',0,1);
INSERT INTO "kw_trial" VALUES(2,1,1,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.55,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','3f6084b01ae6d27c64a6dc3deb4961d0757e8ee28b70f67fed42ca748b5fe1d2',59542,222048,1799856893,1,'{"cell_num_ratio":1.55,"cell_outplane_ratio":0.5,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":1.55,"cell_outplane_ratio":0.5,"sharing_range":"none"}}','complete',NULL,NULL,'vm:8868',2,5.95317725752508408731e-01,2.83854578599258104698e-02,1.89416621698070830603e+00,3.16727080599957844242e+00,'2026-11-26 13:05:41.585000','2026-11-26 13:05:44.962000',1,2);
INSERT INTO "kw_trial" VALUES(3,1,2,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.3257,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','dd7afb09922aa52e593352ee768556974a7d28b0d47d993ddd102f6cc81d9c8d',14356,85248,3111086153,1,'{"cell_num_ratio":0.3257,"cell_outplane_ratio":1.0,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.3257,"cell_outplane_ratio":1.0,"sharing_range":"stage"}}','complete',NULL,NULL,'vm:8868',2,3.04347826086956541047e-01,2.66100432949201680388e-02,1.99576689192381451221e+00,2.0346953930020390544e+00,'2026-11-26 13:05:45.039000','2026-11-26 13:05:47.262000',2,2);
INSERT INTO "kw_trial" VALUES(4,1,3,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.1433,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','27adaf3ea37249f7f4abfc0669c8f438b722d721448bfe4c156a560330a77065',7242,63648,637791570,1,'{"cell_num_ratio":0.1433,"cell_outplane_ratio":0.5,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.1433,"cell_outplane_ratio":0.5,"sharing_range":"none"}}','stopped','promotion','Place 3 of 4 in front 1, with room for 2: the front is crowded where it stands.','vm:8868',1,2.87625418060200643832e-01,2.61777457214426023668e-02,2.13608125456385833373e+00,1.25695294799879775382e+00,'2026-11-26 13:05:47.307000','2026-11-26 13:05:48.822000',3,2);
INSERT INTO "kw_trial" VALUES(5,1,4,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.1849,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','24649767f0ff1d432410c90661e56579344a9a427fee16d28ebd2e3f514373f7',29538,105120,960389663,1,'{"cell_num_ratio":0.1849,"cell_outplane_ratio":0.5,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.1849,"cell_outplane_ratio":0.5,"sharing_range":"stage"}}','complete',NULL,NULL,'vm:8868',2,5.85284280936454903709e-01,2.84920097597731666883e-02,1.83237826716164908802e+00,3.40632920500138425268e+00,'2026-11-26 13:05:48.896000','2026-11-26 13:05:52.554000',4,3);
INSERT INTO "kw_trial" VALUES(6,1,5,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2367,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','461db13b4d1231061a7fc9db847886796be17293e433192d1b76d7af926eaa00',5000,61056,3251194696,1,'{"cell_num_ratio":0.2367,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.2367,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','stopped','promotion','Place 3 of 6 in front 1, with room for 2: the front is crowded where it stands.','vm:8868',1,3.14381270903010046069e-01,2.68493684590574363535e-02,2.12726646337137736963e+00,1.46458908299973700195e+00,'2026-11-26 13:05:52.607000','2026-11-26 13:05:54.361000',5,3);
INSERT INTO "kw_trial" VALUES(7,1,6,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.492,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','3705f120f6329aec5fd5cb4c633615916661d408db384b0418ac2162ab4989f9',20730,121248,16836653,1,'{"cell_num_ratio":1.492,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":1.492,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','stopped','promotion','Place 4 of 7 in front 1, with room for 3: the front is crowded where it stands.','vm:8868',1,4.98327759197324415829e-01,2.89155848784908749149e-02,1.95118043558454212771e+00,1.66199422800127649679e+00,'2026-11-26 13:05:54.432000','2026-11-26 13:05:56.375000',6,3);
INSERT INTO "kw_trial" VALUES(8,1,7,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2145,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','378331d5083f4a4205e489aa95d2528687ced60f1befe72c3c49256a5887acb5',9866,71712,105303243,1,'{"cell_num_ratio":0.2145,"cell_outplane_ratio":1.0,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.2145,"cell_outplane_ratio":1.0,"sharing_range":"stage"}}','complete',NULL,NULL,'vm:8868',2,4.91638795986622079148e-01,2.89117033314060037363e-02,1.97485974868768532353e+00,3.11159359299927,'2026-11-26 13:05:56.459000','2026-11-26 13:05:59.835000',7,4);
INSERT INTO "kw_trial" VALUES(9,1,8,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2701,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','782671aff6cd7b59122e1795f8b617459626bd038227556fe99c67da163c36b6',42114,131040,1278045481,1,'{"cell_num_ratio":0.2701,"cell_outplane_ratio":0.5,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.2701,"cell_outplane_ratio":0.5,"sharing_range":"stage"}}','stopped','promotion','Place 6 of 9 in front 2, with room for 3: trial 4 reached 53.85% with 29,538 parameters, this one 46.82% with 42,114.','vm:8868',1,4.68227424749163900763e-01,2.8857306851741239273e-02,1.99985075911446430474e+00,2.06552470500173512846e+00,'2026-11-26 13:05:59.891000','2026-11-26 13:06:02.298000',8,4);
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
CREATE VIEW kw_baselines_flat AS 
    SELECT s.name AS study, b.number AS baseline, b.role, b.network, b.params, b.macs, b.seed,
           b.state, b.cause, b.detail, b.epochs, b.accuracy, b.accuracy_error, b.loss, b.images,
           b.seconds, b.attempt, b.worker, b.finished_at
    FROM kw_study s
    JOIN kw_baseline b ON b.study_id = s.id;
COMMIT;
